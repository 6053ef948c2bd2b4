package main

import (
	"context"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	basecmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// adapter answers the two APIs out of values. Pods and other objects that a
// question selects by label are looked up when it is asked.
type adapter struct {
	values *values
	mapper meta.RESTMapper
	client dynamic.Interface
}

func runAdapter(ctx context.Context, args []string) error {
	base := &basecmd.AdapterBase{Name: "metrics-adapter", DiscoveryInterval: 10 * time.Second}
	listen := base.Flags().String("values-listen", "", "where values are set, 127.0.0.1:PORT")
	if err := base.Flags().Parse(args); err != nil {
		return err
	}
	client, err := base.DynamicClient()
	if err != nil {
		return err
	}
	mapper, err := base.RESTMapper()
	if err != nil {
		return err
	}
	this := &adapter{values: newValues(), mapper: mapper, client: client}
	base.WithCustomMetrics(this)
	base.WithExternalMetrics(this)
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, this.values.handler()) }()
	go func() { failed <- base.Run(ctx) }()
	return <-failed
}

// wrong plays the fault that is set for a metric: an error, or that nothing is
// to be found, or by how much samples are older.
func (a *adapter) wrong(ctx context.Context, api, metric string) (empty bool, older time.Duration, err error) {
	is := a.values.fault(api, metric)
	by := time.Duration(is.Seconds * float64(time.Second))
	switch is.Kind {
	case "unavailable":
		return false, 0, errors.NewServiceUnavailable("the lab was told to be unavailable")
	case "empty":
		return true, 0, nil
	case "older":
		return false, by, nil
	case "slow":
		select {
		case <-time.After(by):
		case <-ctx.Done():
		}
	}
	return false, 0, nil
}

func (a *adapter) GetExternalMetric(ctx context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	list := &external_metrics.ExternalMetricValueList{}
	empty, older, err := a.wrong(ctx, apiExternal, info.Metric)
	if err != nil || empty {
		return list, err
	}
	all, err := a.values.of(ctx, apiExternal, namespace, info.Metric, selector)
	if err != nil {
		return nil, errors.NewServiceUnavailable(err.Error())
	}
	now := time.Now()
	for _, one := range all {
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName:    one.Metric,
			MetricLabels:  one.Labels,
			Timestamp:     metav1.NewTime(one.time(now).Add(-older)),
			WindowSeconds: one.WindowSeconds,
			Value:         one.quantity,
		})
	}
	return list, nil
}

func (a *adapter) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	var infos []provider.ExternalMetricInfo
	a.each(apiExternal, func(one series) {
		infos = append(infos, provider.ExternalMetricInfo{Metric: one.Metric})
	})
	return infos
}

func (a *adapter) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValue, error) {
	list, err := a.custom(ctx, name.Namespace, []target{{name: name.Name, runs: true}}, info, selector)
	if err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	}
	return &list.Items[0], nil
}

func (a *adapter) GetMetricBySelector(ctx context.Context, namespace string, objects labels.Selector, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValueList, error) {
	full, err := a.mapper.ResourceFor(info.GroupResource.WithVersion(""))
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	var client dynamic.ResourceInterface = a.client.Resource(full)
	if namespace != "" {
		client = a.client.Resource(full).Namespace(namespace)
	}
	found, err := client.List(ctx, metav1.ListOptions{LabelSelector: objects.String()})
	if err != nil {
		return nil, errors.NewServiceUnavailable(err.Error())
	}
	targets := make([]target, 0, len(found.Items))
	for _, object := range found.Items {
		targets = append(targets, target{name: object.GetName(), runs: runs(object)})
	}
	return a.custom(ctx, namespace, targets, info, selector)
}

func (a *adapter) ListAllMetrics() []provider.CustomMetricInfo {
	var infos []provider.CustomMetricInfo
	a.each(apiCustom, func(one series) {
		group := schema.GroupResource{Group: one.Group, Resource: one.Resource}
		if one.Resource != "" {
			infos = append(infos, provider.CustomMetricInfo{GroupResource: group, Namespaced: one.Namespace != "", Metric: one.Metric})
		}
	})
	return infos
}

// each calls back once for every metric of an API, in order.
func (a *adapter) each(api string, with func(series)) {
	// What cannot be listed is served all the same.
	all, _ := a.values.all(context.Background())
	seen := map[string]bool{}
	for _, one := range all {
		key := one.Metric + "\x00" + one.Group + "\x00" + one.Resource
		if one.API == api && !seen[key] {
			seen[key] = true
			with(one)
		}
	}
}

// target is an object that a question is about.
type target struct {
	name string
	runs bool
}

// runs says whether an object takes its part of what is spread: every one but a
// pod that is not running or is going.
func runs(object unstructured.Unstructured) bool {
	if object.GetKind() != "Pod" {
		return true
	}
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	return phase == string(corev1.PodRunning) && object.GetDeletionTimestamp() == nil
}

func (a *adapter) custom(ctx context.Context, namespace string, targets []target, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValueList, error) {
	list := &custom_metrics.MetricValueList{}
	empty, older, err := a.wrong(ctx, apiCustom, info.Metric)
	if err != nil || empty {
		return list, err
	}
	all, err := a.values.of(ctx, apiCustom, namespace, info.Metric, selector)
	if err != nil {
		return nil, errors.NewServiceUnavailable(err.Error())
	}
	full, err := a.mapper.KindFor(info.GroupResource.WithVersion(""))
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	sharers := int64(0)
	for _, target := range targets {
		if target.runs {
			sharers++
		}
	}
	now := time.Now()
	for _, target := range targets {
		one, ok := best(all, namespace, target.name, info, selector)
		if !ok || (one.Spread && !target.runs) {
			continue
		}
		value := one.quantity
		if one.Spread {
			value = *resource.NewMilliQuantity(one.quantity.MilliValue()/sharers, resource.DecimalSI)
		}
		list.Items = append(list.Items, custom_metrics.MetricValue{
			DescribedObject: custom_metrics.ObjectReference{
				APIVersion: full.GroupVersion().String(),
				Kind:       full.Kind,
				Namespace:  namespace,
				Name:       target.name,
			},
			Metric:        custom_metrics.MetricIdentifier{Name: info.Metric},
			Timestamp:     metav1.NewTime(one.time(now).Add(-older)),
			WindowSeconds: one.WindowSeconds,
			Value:         value,
		})
	}
	return list, nil
}

// best is an object's own series, or one that holds for each object.
func best(all []series, namespace, name string, info provider.CustomMetricInfo, selector labels.Selector) (series, bool) {
	var forEach *series
	for index := range all {
		one := &all[index]
		of := schema.GroupResource{Group: one.Group, Resource: one.Resource}
		// The followed exporter's series are of every kind of object.
		if !one.is(apiCustom, namespace, info.Metric, selector) || (one.Resource != "" && of != info.GroupResource) {
			continue
		}
		if one.Object == name {
			return *one, true
		}
		if one.Object == anyObject {
			forEach = one
		}
	}
	if forEach == nil {
		return series{}, false
	}
	return *forEach, true
}
